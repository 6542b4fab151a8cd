// One custom role on one resource group: what the Azure Policy's identity needs where the app lives.

@description('A role as script/roles.py writes it: name, description, actions, notActions.')
param role object
param suffix string
param principalId string

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, role.name, suffix)
  properties: {
    roleName: '${role.name} (${suffix}, ${uniqueString(resourceGroup().id)})'
    description: role.description
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [{ actions: role.actions, notActions: role.notActions }]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, role.name, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}
