// Stage 2 for a whole management group: the right to look, events of the subscriptions in `subscriptions`, and an
// Azure Policy by which subscriptions that come later are covered as soon as they hold an API Management service.
//
// Deployed at the management group, after stage 1 (with grantedByManagementGroup = true) and after the code.
// Bicep can't list subscriptions, so their ids are a parameter; docs/deploy.md has the command that lists them.

targetScope = 'managementGroup'

@description('Azure region of what this makes: resource groups of topics, and the identity of the policy assignment.')
param location string

@description('Name of the environment, for the tag azd-env-name and for the names of the roles.')
param environmentName string

@description('''The subscriptions to hear of: { id, existingTopic, existingTopicGroup, deadLetters }. All but the id may
be left out. Where a subscription has a system topic already, name it: Azure allows only one.''')
param subscriptions array

@description('The declared vaults: { id, location, existingTopic, deadLetters }. The last two may be left out.')
param vaults array = []

@description('Output APIMEND_APP_PRINCIPAL_ID of stage 1.')
param appPrincipalId string

@description('Output APIMEND_FUNCTION_APP_ID of stage 1.')
param functionAppId string

@description('Output APIMEND_STORAGE_ID of stage 1.')
param storageId string

@description('Output APIMEND_EVENTS_IDENTITY_ID of stage 1.')
param eventsIdentityId string

@description('Output APIMEND_ACTION_GROUP_ID of stage 1. Empty: no alert on events that were not delivered.')
param actionGroupId string = ''

@description('Whether new subscriptions are covered by Azure Policy.')
param policy bool = true

@description('Subscriptions and groups that the policy leaves out, by id: those whose topic has another name.')
param policyNotScopes array = []

var tags = { 'azd-env-name': environmentName }
var vaultIds = map(vaults, vault => vault.id)
var rule = loadJsonContent('policy/subscribe.json')

module detect 'modules/role-management-group.bicep' = {
  name: 'apimend-detect'
  params: {
    role: loadJsonContent('roles/detect.json')
    suffix: environmentName
    principalId: appPrincipalId
  }
}

module heard 'modules/subscription-events.bicep' = [
  for item in subscriptions: {
    name: 'apimend-events-${uniqueString(item.id)}'
    scope: subscription(item.id)
    params: {
      location: location
      tags: tags
      existingTopic: item.?existingTopic ?? ''
      existingTopicGroup: item.?existingTopicGroup ?? ''
      deadLetters: item.?deadLetters ?? empty(item.?existingTopic ?? '')
      vaultIds: filter(vaultIds, id => startsWith(toLower(id), toLower('/subscriptions/${item.id}/')))
      functionAppId: functionAppId
      storageId: storageId
      eventsIdentityId: eventsIdentityId
      actionGroupId: actionGroupId
    }
  }
]

module certificates 'modules/vault-events.bicep' = [
  for item in vaults: {
    name: 'apimend-vault-events-${uniqueString(item.id)}'
    scope: resourceGroup(split(item.id, '/')[2], split(item.id, '/')[4])
    params: {
      location: item.location
      tags: tags
      vaultId: item.id
      existingTopic: item.?existingTopic ?? ''
      deadLetters: item.?deadLetters ?? empty(item.?existingTopic ?? '')
      functionAppId: functionAppId
      storageId: storageId
      eventsIdentityId: eventsIdentityId
    }
  }
]

module vaultReader 'modules/vault-reader.bicep' = [
  for item in vaults: {
    name: 'apimend-vault-${uniqueString(item.id)}'
    scope: resourceGroup(split(item.id, '/')[2], split(item.id, '/')[4])
    params: {
      vaultName: last(split(item.id, '/'))
      principalId: appPrincipalId
    }
  }
]

module policyRole 'modules/role-management-group.bicep' = if (policy) {
  name: 'apimend-policy-role'
  params: {
    role: loadJsonContent('roles/subscribe.json')
    suffix: environmentName
    principalId: '' // assigned below, when the policy's identity is there
  }
}

resource definition 'Microsoft.Authorization/policyDefinitions@2023-04-01' = if (policy) {
  name: 'apimend-subscribe'
  properties: {
    displayName: rule.displayName
    description: rule.description
    policyType: 'Custom'
    mode: 'All'
    metadata: { category: 'API Management' }
    parameters: rule.parameters
    // What the file can't know: which role the policy's identity gets, and where deployments are recorded.
    policyRule: union(rule.policyRule, {
      then: { details: { roleDefinitionIds: [policyRole.outputs.roleId], deployment: { location: location } } }
    })
  }
}

resource assignment 'Microsoft.Authorization/policyAssignments@2023-04-01' = if (policy) {
  name: 'apimend-subscribe'
  location: location
  identity: { type: 'SystemAssigned' }
  properties: {
    displayName: rule.displayName
    policyDefinitionId: definition.id
    notScopes: policyNotScopes
    parameters: {
      location: { value: location }
      environmentName: { value: environmentName }
      functionId: { value: '${functionAppId}/functions/on_resource_change' }
      storageId: { value: storageId }
      eventsIdentityId: { value: eventsIdentityId }
    }
  }
}

module policySubscribes 'modules/assign-management-group.bicep' = if (policy) {
  name: 'apimend-policy-subscribes'
  params: {
    roleId: policyRole.outputs.roleId
    principalId: assignment.identity.principalId
  }
}

module policyDelivers 'modules/role-group.bicep' = if (policy) {
  name: 'apimend-policy-delivers'
  scope: resourceGroup(split(functionAppId, '/')[2], split(functionAppId, '/')[4])
  params: {
    role: loadJsonContent('roles/deliver.json')
    suffix: environmentName
    principalId: assignment.identity.principalId
  }
}
