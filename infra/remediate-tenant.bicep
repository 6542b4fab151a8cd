// Stage 3 for a management group: the right to write, everywhere below it. See remediate.bicep.

targetScope = 'managementGroup'

@description('Name of the environment, as in stage 1.')
param environmentName string

@description('Output APIMEND_APP_PRINCIPAL_ID of stage 1.')
param appPrincipalId string

module remediate 'modules/role-management-group.bicep' = {
  name: 'apimend-remediate'
  params: {
    role: loadJsonContent('roles/remediate.json')
    suffix: environmentName
    principalId: appPrincipalId
  }
}
